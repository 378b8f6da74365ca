import { presignUrl } from '../dist/lib/protocol/sigv4/sign.js'
import { measureLoad } from './bench-sts.mjs'
import { exchange, median } from './measure.mjs'
import { startStack } from './stack.mjs'

const mebibyte = 1024 * 1024

/** Objects through `serve --gateway` beside the same objects asked of its upstream, a `serve` on a directory, in turn. */
export async function benchGateway({ isSmoke }) {
  const upstream = await startStack(['--no-idp', '--bucket', 'bench'])
  const { sts, accessKey, secretKey } = upstream.ready
  const keys = { accessKeyId: accessKey, secretAccessKey: secretKey }
  const root = { MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey }
  let gateway
  try {
    gateway = await startStack(['--no-idp', '--stateless', '--gateway', sts], root)
    const ends = [sts, gateway.ready.sts]
    const sign = (end, method, key) => {
      const options = {
        region: 'us-east-1',
        service: 's3',
        nowMs: Date.now(),
        expiresSeconds: 3600,
      }
      return presignUrl({ method, url: new URL(`/bench/${key}`, end) }, keys, options)
    }
    const large = Buffer.alloc((isSmoke ? 1 : 64) * mebibyte, 'abcdefgh')
    await exchange('PUT', sign(sts, 'PUT', 'large'), large)
    await exchange('PUT', sign(sts, 'PUT', 'small'), Buffer.alloc(4096, 'x'))

    const compare = async (rounds, measure) => {
      const ratios = []
      for (let round = -1; round < (isSmoke ? 0 : rounds); round += 1) {
        // the one that comes first is now this and now that
        const order = round % 2 === 0 ? ends : ends.toReversed()
        const speeds = new Map()
        for (const end of order) speeds.set(end, await measure(end))
        if (round >= 0 || isSmoke) ratios.push(speeds.get(ends[1]) / speeds.get(ends[0]))
      }
      return median(ratios)
    }
    const timed = (method, key, body) => async (end) => {
      const startedAt = performance.now()
      await exchange(method, sign(end, method, key), body)
      return 1 / (performance.now() - startedAt)
    }
    const loaded = (method, body) => (end) => {
      const url = sign(end, method, 'small')
      const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`
      const head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${length}\r\n`
      return measureLoad(Number(url.port), head + (body ?? ''), isSmoke ? 0.3 : 2)
    }
    return [
      toRow('gateway: GET of 64 MiB', await compare(15, timed('GET', 'large')), '≥ 0.50'),
      toRow('gateway: PUT of 64 MiB', await compare(15, timed('PUT', 'copy', large)), '≥ 0.70'),
      toRow('gateway: GET of 4 KiB, 32 connections', await compare(7, loaded('GET')), '≥ 0.75'),
      toRow(
        'gateway: PUT of 4 KiB, 32 connections',
        await compare(7, loaded('PUT', 'x'.repeat(4096))),
        '≥ 0.90',
      ),
    ]
  } finally {
    await gateway?.stop()
    await upstream.stop()
  }
}

function toRow(what, ratio, aim) {
  return { what, ratio, floor: 'the upstream asked directly', aim }
}
