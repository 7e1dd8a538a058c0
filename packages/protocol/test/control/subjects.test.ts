import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CONTROL_OPERATIONS, controlSubjects, parseControlSubject } from "../../src/control/subjects.ts";
import { isLiteralSubject, subjectMatches } from "../../src/workloads/subjects.ts";
import { throwsCode } from "../expect-nex-error.ts";

const names = fc.stringMatching(/^[A-Za-z0-9_-]{1,63}$/);

describe("control subjects", () => {
  it("are 0.2.7's, and ours", () => {
    const {
      auction,
      ping,
      workloadPing,
      info,
      deploy,
      stop,
      lameDuck,
      workloads,
      rollback,
      undeploy,
      logs,
      recentEvents,
    } = controlSubjects;
    assert.deepEqual(
      [
        auction(),
        ping(),
        ping("N1"),
        workloadPing("ns"),
        workloadPing("ns", "w"),
        info("ns", "N1"),
        deploy("ns", "N1"),
        stop("ns", "N1"),
        lameDuck("N1"),
      ],
      [
        "$NEX.AUCTION",
        "$NEX.PING",
        "$NEX.PING.N1",
        "$NEX.WPING.ns",
        "$NEX.WPING.ns.w",
        "$NEX.INFO.ns.N1",
        "$NEX.DEPLOY.ns.N1",
        "$NEX.STOP.ns.N1",
        "$NEX.LAMEDUCK.N1",
      ],
    );
    assert.deepEqual(
      [workloads("ns"), rollback("ns", "N1"), undeploy("ns", "N1"), logs("ns"), recentEvents("ns")],
      ["$NEX.WORKLOADS.ns", "$NEX.ROLLBACK.ns.N1", "$NEX.UNDEPLOY.ns.N1", "$NEX.LOGS.ns", "$NEX.RECENT_EVENTS.ns"],
    );
  });

  it("are read back, and taken in by the node's own subscriptions", () => {
    fc.assert(
      fc.property(names, names, names, (namespace, node, workload) => {
        for (const [name, subject, pattern, expected] of [
          ["AUCTION", controlSubjects.auction(), controlSubjects.auction(), {}],
          ["PING", controlSubjects.ping(node), controlSubjects.ping(node), { node }],
          ["WPING", controlSubjects.workloadPing(namespace), controlSubjects.workloadPing("*"), { namespace }],
          [
            "WPING",
            controlSubjects.workloadPing(namespace, workload),
            controlSubjects.workloadPing("*", "*"),
            { namespace, workload },
          ],
          ["INFO", controlSubjects.info(namespace, node), controlSubjects.info("*", node), { namespace, node }],
          ["DEPLOY", controlSubjects.deploy(namespace, node), controlSubjects.deploy("*", node), { namespace, node }],
          ["STOP", controlSubjects.stop(namespace, node), controlSubjects.stop("*", node), { namespace, node }],
          ["LAMEDUCK", controlSubjects.lameDuck(node), controlSubjects.lameDuck(node), { node }],
          ["WORKLOADS", controlSubjects.workloads(namespace), controlSubjects.workloads("*"), { namespace }],
          [
            "ROLLBACK",
            controlSubjects.rollback(namespace, node),
            controlSubjects.rollback("*", node),
            { namespace, node },
          ],
          [
            "UNDEPLOY",
            controlSubjects.undeploy(namespace, node),
            controlSubjects.undeploy("*", node),
            { namespace, node },
          ],
          ["LOGS", controlSubjects.logs(namespace), controlSubjects.logs("*"), { namespace }],
          ["RECENT_EVENTS", controlSubjects.recentEvents(namespace), controlSubjects.recentEvents("*"), { namespace }],
        ] as const) {
          assert.ok(isLiteralSubject(subject));
          assert.ok(subjectMatches(pattern, subject));
          assert.deepEqual(parseControlSubject(subject), { operation: name, ...expected });
        }
      }),
    );
  });

  it("cannot be led to another subject by a name", () => {
    for (const bad of ["", "a.b", ">", "a b", "a\r\nPUB x 0", "**", "é", "x".repeat(64)]) {
      throwsCode("invalid_name", () => controlSubjects.deploy(bad, "N1"));
      throwsCode("invalid_name", () => controlSubjects.ping(bad));
    }
  });

  it("are nothing else", () => {
    fc.assert(fc.property(fc.string(), (text) => assert.equal(parseControlSubject(text), undefined)));
    const rest = fc.array(fc.constantFrom("a", "b", "*", "", ">"), { maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...CONTROL_OPERATIONS), rest, (operation, tokens) => {
        const subject = ["$NEX", operation, ...tokens].join(".");
        const parsed = parseControlSubject(subject);
        if (parsed === undefined) return;
        const { operation: _, ...parts } = parsed;
        assert.deepEqual(Object.values(parts), tokens);
      }),
    );
    for (const subject of [
      "$NEX.deploy.ns.N1",
      "$NEX.RUN.ns.N1",
      "$NEX.DEPLOY.ns",
      "$NEX.DEPLOY.ns.N1.x",
      "$NEX.WPING",
      "X.PING",
    ]) {
      assert.equal(parseControlSubject(subject), undefined, subject);
    }
  });
});
