#!/bin/sh
# In place of OpenRC's: the console needs neither a font nor a keyboard.
