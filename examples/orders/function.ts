/**
 * Prices orders. A shop publishes each order as JSON to `orders.<country>.new`, such as `orders.de.new`; the reply is
 * the priced order, or says what is wrong with it.
 *
 *   nex run examples/orders/function.ts --name orders --trigger 'orders.*.new'
 */
import type { Handler } from "@nex/functions";
import { OrderError } from "./order-error.ts";
import { priceOrder } from "./pricing.ts";
import { readOrder } from "./validation.ts";
import { marketOf } from "./vat.ts";

export default ((event, ctx) => {
  try {
    const market = marketOf(event.captures[0]);
    const priced = priceOrder(readOrder(event.text(), market), market);
    ctx.log.debug("priced", priced.id, priced.total, priced.currency);
    return priced;
  } catch (thrown) {
    // A bad order is an answer like any other. Whatever else goes wrong is a fault of ours: the node reports it.
    if (!(thrown instanceof OrderError)) throw thrown;
    ctx.log.info("refused", thrown.kind, thrown.message);
    return { error: { kind: thrown.kind, message: thrown.message } };
  }
}) satisfies Handler;
