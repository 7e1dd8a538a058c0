// A function in AssemblyScript that uses host services: counts the messages of each subject in key-value and
// publishes the new number. Safe with several replicas: a count that somebody else has changed is read again.
//
//   npx asc assembly/index.ts --exportStart _start --use abort=assembly/wasi/abort -O -o tally.wasm
//   nex run tally.wasm --trigger 'tally.*'
//   nats sub tallied & nex trigger tally --subject tally.apples --data ''

import { check, Failure, kv_create, kv_get, kv_update, messaging_publish } from "./nex";
import { NumberField, result_number, takeText, Text, TextField } from "./nex";
import { reply, subject } from "./wasi";

const name = subject();
const key = new Text(name);
let count = 0;
let written = 0;
do {
  const found = kv_get(key.at, key.length);
  const isNew = found == Failure.NotFound;
  if (!isNew) check(found);
  const revision = isNew ? 0 : result_number(NumberField.Revision);
  count = isNew ? 1 : i32(parseInt(takeText(TextField.Body))) + 1;
  const value = new Text(count.toString());
  written = isNew
    ? kv_create(key.at, key.length, value.at, value.length, 0)
    : kv_update(key.at, key.length, value.at, value.length, revision);
} while (written == Failure.KeyExists || written == Failure.WrongRevision);
check(written);

const tallied = new Text("tallied");
const headers = new Text(`Subject: ${name}\n`);
const payload = new Text(count.toString());
check(messaging_publish(tallied.at, tallied.length, 0, 0, headers.at, headers.length, payload.at, payload.length));
reply(count.toString());
