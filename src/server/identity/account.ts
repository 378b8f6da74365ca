/** The account id of everything on this server. It has twelve digits, because AWS's tools check that. */
export const accountId = '000000000000'

/** The account's canonical user ID, by which S3 names the owner of all buckets and objects: lists require one, and there is one account. */
export const canonicalUserId = 'ef6433a1d22562cec9405ce7e216022749d3d8fef50bf8aaf1aaf0299412d763'
