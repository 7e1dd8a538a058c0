/** Claims are used at once; what this allows for is a slow network and clocks that differ, ms. */
export const CLAIMS_LIFETIME_MS = 300_000;
