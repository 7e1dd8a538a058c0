/** The least that can answer a NATS request: nats.js and one callback. What every ratio is a ratio to. */
import { connect } from "@nats-io/transport-node";
import { serveCommands } from "./serve-commands.ts";

const [url = "", subject = ""] = process.argv.slice(2);
const connection = await connect({ servers: url });
connection.subscribe(subject, {
  callback: (error, message) => {
    if (error === null) message.respond(message.data);
  },
});
await connection.flush();
serveCommands({}, async () => await connection.close());
