/** The object store on the wire. An object's info is a JSON text with the fields of NATS's own object stores. */
export const OBJECT_STORE_CODE = 3;

export const ObjectStoreMethod = {
  /** name → info; body: the object. No arguments if there is none. */
  get: 1,
  /** name, description; body: the object → info */
  put: 2,
  /** name → `1` if it was there */
  delete: 3,
  /** → body: infos, each with a line feed behind it */
  list: 4,
  /** name → info, or nothing */
  info: 5,
} as const;
