import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { bindFunction, type ServiceClient, WASM_FUNCTIONS, WasmGuest } from "@nex/host-services/guest";
import { startNatsServer, type TestNats } from "@nex/testing";
import fc from "fast-check";
import { type GuestLink, guestLink } from "./support/guest-link.ts";

const PAGE = 65_536;

let nats: TestNats;
let connection: NatsConnection;

before(async () => {
  nats = await startNatsServer({ jetstream: true });
  connection = await connect({ servers: nats.url });
});

after(async () => {
  await connection.close();
  await nats.stop();
});

function openGuest({ client }: { readonly client: ServiceClient }): WasmGuest & { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(PAGE);
  const view = (pointer: number, length: number): Uint8Array | undefined =>
    pointer + length > PAGE ? undefined : bytes.subarray(pointer, pointer + length);
  const guest = new WasmGuest({ client, memory: { view }, signal: new AbortController().signal });
  return Object.assign(guest, { bytes });
}

/** Arguments of every kind a guest may pass, near the edges of its memory most of all. */
const i32 = fc.oneof(
  fc.integer(),
  fc.nat(70_000),
  fc.constantFrom(0, 1, 2, 3, 8, PAGE, PAGE - 1, PAGE - 8, -1, -PAGE, 0x7fff_ffff, -0x8000_0000),
);
const i64 = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(0n, 1n, -1n, 1000n));

const call = fc.constantFrom(...Object.keys(WASM_FUNCTIONS)).chain((name) => {
  const types = Object.values(WASM_FUNCTIONS[name]!.params);
  return fc.tuple(
    fc.constant(name),
    fc.tuple(...types.map((type): fc.Arbitrary<number | bigint> => (type === "i64" ? i64 : i32))),
  );
});

describe("Arguments of a WebAssembly guest", () => {
  it("give a number from every import, whatever they are", async () => {
    await using link: GuestLink = guestLink({ workload: { namespace: "default", name: "odd" }, connection });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 12 }), async (calls) => {
        using guest = openGuest(link);
        for (const [name, args] of calls) {
          const definition = WASM_FUNCTIONS[name]!;
          const result = await bindFunction(name, definition, guest)(...args);
          if (definition.result === "i64") assert.equal(typeof result, "bigint", name);
          else
            assert.ok(
              Number.isInteger(result) && Number(result) >= -99 && Number(result) <= PAGE,
              `${name} gave ${result}`,
            );
        }
      }),
      { numRuns: 400 },
    );
  });
});
