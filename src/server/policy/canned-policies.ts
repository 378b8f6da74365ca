import { parsePolicyDocument, type PolicyDocument } from './policy-document.ts'

const everything = 'arn:aws:s3:::*'

/** MinIO's built-in policies (docs/wire.md §9.1). MinIO's `readonly` does not allow ListBucket either. */
const documents = {
  readwrite: [{ Effect: 'Allow', Action: 's3:*', Resource: everything }],
  readonly: [
    { Effect: 'Allow', Action: ['s3:GetBucketLocation', 's3:GetObject'], Resource: everything },
  ],
  writeonly: [{ Effect: 'Allow', Action: 's3:PutObject', Resource: everything }],
  diagnostics: [
    {
      Effect: 'Allow',
      Action: [
        'Profiling',
        'ServerTrace',
        'ConsoleLog',
        'ServerInfo',
        'TopLocksInfo',
        'OBDInfo',
        'BandwidthMonitor',
        'Prometheus',
      ].map((name) => `admin:${name}`),
      Resource: everything,
    },
  ],
  consoleAdmin: [
    { Effect: 'Allow', Action: ['admin:*', 'kms:*'] },
    { Effect: 'Allow', Action: 's3:*', Resource: everything },
  ],
}

/** The canned policies, by name. Each is parsed once, when this module is loaded. */
export const cannedPolicies: ReadonlyMap<string, PolicyDocument> = new Map(
  Object.entries(documents).map(([name, Statement]) => [
    name,
    parsePolicyDocument(JSON.stringify({ Version: '2012-10-17', Statement }), name),
  ]),
)
