/**
 * HTTP by way of the node, in the shape of the platform's `fetch`; the global `fetch` of a function is the same.
 * Addresses that are not public are refused unless the node's operator has named them.
 */
export interface Http {
  /**
   * @throws NexError `http_denied`, `http_failed`, `timeout`, `too_large`, `service_disabled`; TypeError for a request
   * that no `fetch` would take
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
}
