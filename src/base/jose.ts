/** The adapter of jose: key export and signing for the embedded provider, and the reference for the tests of verifyJwt(). */
export { createLocalJWKSet, exportJWK, jwtVerify, SignJWT, type JWK } from 'jose'
