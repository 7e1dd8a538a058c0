/** Writes `orders.jsonl` anew: `node data/generate.ts`. */
import { writeFileSync } from "node:fs";
import { ORDER_FILE } from "./order-file.ts";
import { generateOrderFile } from "./order-generator.ts";

writeFileSync(ORDER_FILE, generateOrderFile());
