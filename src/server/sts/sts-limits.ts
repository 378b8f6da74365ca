/** The limits for the lifetime of credentials. */
export interface StsLimits {
  readonly minDurationSeconds: number
  readonly maxDurationSeconds: number
  /** The lifetime when neither the request nor a token sets one (MinIO: 3600; MINIO_STS_DURATION). */
  readonly defaultDurationSeconds: number
  /** True when credentials may expire after the identity provider's token, as in MinIO since 2023. */
  readonly isLongerThanTokenAllowed: boolean
}
