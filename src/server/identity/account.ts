/** The account id of everything on this server. It has twelve digits, because AWS's tools check that. */
export const accountId = '000000000000'
