/**
 * S3's own sentence for each code. Programs and test suites compare messages, so this text stands in `Message`, and why this server refused in
 * `Reason` (AWS, "Error responses", and what S3 answers; MinIO's form where both differ by a full stop only).
 */

/** Codes whose sentence depends on the case: the error has it, or its own message stands alone. */
export const codesWithoutSentence: ReadonlySet<string> = new Set([
  // A refused preflight: it has S3's sentence for its case.
  'AccessForbidden',
  'InvalidArgument',
  'InvalidRequest',
  'InvalidRetentionPeriod',
])

const sentences: Readonly<Record<string, string>> = {
  AccessControlListNotSupported: 'The bucket does not allow ACLs',
  AccessDenied: 'Access Denied.',
  AuthorizationHeaderMalformed: 'The authorization header that you provided is not valid.',
  AuthorizationParametersError: 'The authorization parameters that you provided are not valid.',
  AuthorizationQueryParametersError:
    'The authorization query parameters that you provided are not valid.',
  BadDigest: 'The Content-MD5 you specified did not match what we received.',
  BadRequest: 'An error occurred when parsing the HTTP request.',
  BucketAlreadyExists:
    'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
  BucketAlreadyOwnedByYou:
    'Your previous request to create the named bucket succeeded and you already own it.',
  BucketNotEmpty: 'The bucket you tried to delete is not empty',
  ClientDisconnected: 'Client disconnected before response was ready',
  EntityTooLarge: 'Your proposed upload exceeds the maximum allowed object size.',
  EntityTooSmall: 'Your proposed upload is smaller than the minimum allowed object size.',
  ExpiredToken: 'The provided token has expired.',
  IllegalVersioningConfigurationException: 'The Versioning element must be specified',
  IncompleteBody:
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
  IncorrectNumberOfFilesInPostRequest: 'POST requires exactly one file upload per request.',
  InternalError: 'We encountered an internal error, please try again.',
  InvalidAccessKeyId: 'The AWS Access Key Id you provided does not exist in our records.',
  InvalidBucketAclWithObjectOwnership:
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  InvalidBucketName: 'The specified bucket is not valid.',
  InvalidBucketState: 'The request is not valid for the current state of the bucket.',
  InvalidDigest: 'The Content-Md5 you specified is not valid.',
  InvalidEncryptionAlgorithmError:
    'The Encryption request you specified is not valid. Supported value: AES256.',
  InvalidLocationConstraint: 'The specified location-constraint is not valid',
  InvalidPart:
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  InvalidPartNumber: 'The requested partnumber is not satisfiable',
  InvalidPartOrder:
    'The list of parts was not in ascending order. Parts must be ordered by part number.',
  InvalidPolicyDocument:
    'The content of the form does not meet the conditions specified in the policy document.',
  InvalidRange: 'The requested range is not satisfiable',
  InvalidStorageClass: 'The storage class you specified is not valid',
  InvalidTag:
    'The tag provided was not a valid tag. This error can occur if the tag did not pass input validation.',
  InvalidRedirectLocation:
    "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
  InvalidTokenId: 'The security token included in the request is invalid',
  InvalidURI: "Couldn't parse the specified URI.",
  KeyTooLongError: 'Your key is too long',
  MalformedACLError:
    'The XML you provided was not well-formed or did not validate against our published schema',
  MalformedPOSTRequest: 'The body of your POST request is not well-formed multipart/form-data.',
  MalformedPolicy: 'This policy contains invalid Json',
  MalformedTrailerError:
    'The request contained trailing data that was not well-formed or did not conform to our published schema.',
  MalformedXML:
    'The XML you provided was not well-formed or did not validate against our published schema.',
  MaxPostPreDataLengthExceeded:
    'Your POST request fields preceding the upload file were too large.',
  MetadataTooLarge: 'Your metadata headers exceed the maximum allowed metadata size.',
  MethodNotAllowed: 'The specified method is not allowed against this resource.',
  MissingContentLength: 'You must provide the Content-Length HTTP header.',
  MissingSecurityHeader: 'Your request was missing a required header',
  NoSuchBucket: 'The specified bucket does not exist',
  NoSuchCORSConfiguration: 'The CORS configuration does not exist',
  NoSuchKey: 'The specified key does not exist.',
  NoSuchLifecycleConfiguration: 'The lifecycle configuration does not exist',
  NoSuchObjectLockConfiguration: 'The specified object does not have a ObjectLock configuration',
  NoSuchUpload:
    'The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
  NoSuchVersion: 'The specified version does not exist.',
  NotImplemented: 'A header you provided implies functionality that is not implemented',
  ObjectLockConfigurationNotFoundError: 'Object Lock configuration does not exist for this bucket',
  PreconditionFailed: 'At least one of the pre-conditions you specified did not hold',
  RequestHeaderSectionTooLarge: 'Your request header section exceeds the maximum allowed size.',
  RequestTimeTooSkewed:
    "The difference between the request time and the server's time is too large.",
  RequestTimeout:
    'Your socket connection to the server was not read from or written to within the timeout period.',
  ServiceUnavailable: 'Service is unable to handle request.',
  SignatureDoesNotMatch:
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  SlowDown: 'Please reduce your request rate.',
  UnexpectedContent: 'This request does not support content',
  XAmzContentChecksumMismatch:
    "The provided 'x-amz-checksum' header does not match what was computed.",
  XAmzContentSHA256Mismatch:
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  XMinioBackendDown: 'Object storage backend is unreachable',
  XMinioInvalidObjectName: 'Object name contains unsupported characters.',
  XMinioStorageFull:
    'Storage backend has reached its minimum free drive threshold. Please delete a few objects to proceed.',
}

/** Returns S3's sentence for a code; undefined if it has none. */
export function findS3Sentence(code: string): string | undefined {
  return Object.hasOwn(sentences, code) ? sentences[code] : undefined
}
