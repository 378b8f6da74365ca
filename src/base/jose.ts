/** The door to jose: key export and signing for the embedded provider, and the oracle of our own verification's tests. */
export { createLocalJWKSet, exportJWK, jwtVerify, SignJWT, type JWK } from 'jose'
