import { describe, expect, it } from 'vitest'
import { AwsError, awsErrorStatus } from '../../src/protocol/aws-error.ts'
import { decodeS3Error, encodeS3Error } from '../../src/protocol/s3-wire.ts'

const context = { resource: '/b/k&y', requestId: '18EA', hostId: 'h' }

describe('AwsError', () => {
  it.each(Object.entries(awsErrorStatus))('AwsError %s has the status %i', (code, status) => {
    expect(new AwsError(code as keyof typeof awsErrorStatus, 'why').status).toBe(status)
  })

  it('AwsError prefers a given status to the table’s', () => {
    expect(new AwsError('AccessDenied', 'why', { status: 400 }).status).toBe(400)
  })

  it('AwsError keeps its cause for the log', () => {
    const cause = new Error('inside')
    expect(new AwsError('InternalError', 'why', { cause }).cause).toBe(cause)
    expect(new AwsError('InternalError', 'why')).not.toHaveProperty('cause')
  })

  it('AwsError takes no status from the prototype', () => {
    const code = 'toString' as keyof typeof awsErrorStatus
    expect(new AwsError(code, 'why').status).toBe(500)
  })
})

describe('S3 error document', () => {
  it('an S3 error document has code, message, ordered details, resource and ids', () => {
    const error = new AwsError('NoSuchKey', 'no <key>', {
      details: { Key: 'k&y', BucketName: 'b', Region: 'us-east-1' },
    })
    expect(encodeS3Error(error, context)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>' +
        '<Message>The specified key does not exist.</Message><Key>k&amp;y</Key><BucketName>b</BucketName>' +
        '<Region>us-east-1</Region><Resource>/b/k&amp;y</Resource>' +
        '<RequestId>18EA</RequestId><HostId>h</HostId><Reason>no &lt;key&gt;</Reason></Error>',
    )
  })

  it('an S3 error document reads back as an equal error', () => {
    const document = encodeS3Error(new AwsError('NoSuchBucket', 'none'), context)
    expect(decodeS3Error(404, document)).toMatchObject({
      name: 'AwsError',
      code: 'NoSuchBucket',
      message: 'none',
      status: 404,
      requestId: '18EA',
    })
  })

  it('an S3 error document with an unknown code keeps its code and status', () => {
    const document = encodeS3Error(new AwsError('Teapot', 'tea', { status: 418 }), context)
    expect(decodeS3Error(418, document)).toMatchObject({ code: 'Teapot', status: 418 })
  })

  it.each([
    [403, '', 'AccessDenied'],
    [404, '', 'HTTP404'],
    [502, '<html><body>Bad gateway</body></html>', 'HTTP502'],
    [500, '<Error><Code></Code></Error>', 'HTTP500'],
    [503, '<Error><Code>', 'HTTP503'],
  ])('an S3 answer of status %i with the body %j becomes %s', (status, body, code) => {
    expect(decodeS3Error(status, body)).toMatchObject({ code, status })
  })
})
