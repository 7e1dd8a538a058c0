#!/bin/sh
# In place of OpenRC's, which starts some five programs for each service to learn what its script can say itself.
# OpenRC reads who depends on whom from here, a line for each relation.
need() { echo "$RC_SVCNAME ineed $*"; }
after() { echo "$RC_SVCNAME iafter $*"; }
provide() { echo "$RC_SVCNAME iprovide $*"; }

for script in /etc/init.d/*; do
	RC_SVCNAME=${script##*/}
	echo "$RC_SVCNAME"
	. "$script"
	depend
done
