/** The one account to which all there is belongs. Twelve digits, because AWS's tools check. */
export const accountId = '000000000000'
