/** HTTP on the wire. Headers are HTTP's, bodies travel as stream data. */
export const HTTP_CODE = 4;

export const HttpMethod = {
  /** method, URL, redirect mode, `1` if there is a body; headers; body → status, status text, URL, `1` if redirected; headers; body */
  fetch: 1,
} as const;
