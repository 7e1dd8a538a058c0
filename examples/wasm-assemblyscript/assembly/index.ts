// A function in AssemblyScript: counts the words of a text and answers with the most frequent ones, as JSON.
//
//   npx asc assembly/index.ts --exportStart _start --use abort=assembly/wasi/abort -O -o words.wasm
//   nex run words.wasm --trigger 'words.*'
//   nex trigger words --subject words.top3 --data 'the cat and the dog and the bird'

import { log, payload, reply, subject } from "./wasi";

const counts = new Map<string, i32>();
const text = String.UTF8.decode(payload()).toLowerCase();
let start = -1;
for (let at = 0; at <= text.length; at++) {
  const isLetter = at < text.length && isWordCharacter(text.charCodeAt(at));
  if (isLetter && start < 0) start = at;
  if (!isLetter && start >= 0) {
    const word = text.substring(start, at);
    counts.set(word, (counts.has(word) ? counts.get(word) : 0) + 1);
    start = -1;
  }
}

if (counts.size == 0) throw new Error("There is no word in the text.");
log(`${counts.size} different words on ${subject()}`);

const words = counts.keys();
words.sort((left, right) => {
  const difference = counts.get(right) - counts.get(left);
  return difference != 0 ? difference : left < right ? -1 : 1;
});
let top = "";
for (let index = 0; index < min(3, words.length); index++)
  top += `${index == 0 ? "" : ","}"${words[index]}":${counts.get(words[index])}`;
reply(`{"words":${counts.size},"top":{${top}}}`);

function isWordCharacter(code: i32): bool {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || code > 127;
}
