import { Link, type LinkOptions } from "@nex/link";
import { socketPair } from "./sockets.ts";

export interface LinkPair extends AsyncDisposable {
  readonly left: Link;
  readonly right: Link;
}

/** Two links that talk to each other over a unix socket. */
export async function linkPair(leftOptions: LinkOptions = {}, rightOptions: LinkOptions = {}): Promise<LinkPair> {
  const [accepted, dialled] = await socketPair();
  const left = new Link(accepted, leftOptions);
  const right = new Link(dialled, rightOptions);
  return {
    left,
    right,
    async [Symbol.asyncDispose]() {
      left.close();
      await Promise.all([left.closed, right.closed]);
    },
  };
}
