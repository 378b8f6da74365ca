import { describe, expect, it } from 'vitest'
import type { RequestFacts } from '../../src/server/http/request-facts.ts'
import { describeOperation } from '../../src/server/http/request-recorder.ts'
import { countRequests, createMetrics } from '../../src/server/metrics.ts'
import { makeHttpRequest } from '../support/server/make-request.ts'

describe('request metrics', () => {
  it('what lifecycle passes remove is counted by its kind', async () => {
    const metrics = createMetrics()
    metrics.countRemoval('expired')
    metrics.countRemoval('expired')
    metrics.countRemoval('upload')
    const text = await metrics.text()
    expect(text).toContain('sts_cli_lifecycle_removals_total{kind="expired"} 2')
    expect(text).toContain('sts_cli_lifecycle_removals_total{kind="upload"} 1')
  })

  it('the metrics have a bounded number of operations, and count the others as other', async () => {
    const metrics = createMetrics()
    metrics.count('GetObject', 200, 0)
    for (let index = 0; index < 2000; index += 1) metrics.count(`operation-${index}`, 200, 0)
    metrics.count('GetObject', 200, 0)

    const text = await metrics.text()
    const labels = text.match(/^sts_cli_requests_total\{action="[^"]*"/gm) ?? []
    expect(labels.length).toBeLessThan(300)
    expect(text).toContain('sts_cli_requests_total{action="GetObject",status="200"} 2\n')
    expect(text).toMatch(/sts_cli_requests_total\{action="other",status="200"\} 17\d\d\n/)
  })

  it('work that fails after its answer began with 200 is counted at its end, by the status of its error', async () => {
    const metrics = createMetrics()
    let finish = (_facts: RequestFacts): void => {}
    const finalFacts = new Promise<RequestFacts>((resolve) => (finish = resolve))
    const facts = describeOperation('CopyObject')
    const handler = countRequests(async () => {
      return { reply: { status: 200 }, facts, finalFacts }
    }, metrics)
    await handler(makeHttpRequest({}))
    expect(await metrics.text()).not.toContain('CopyObject')

    finish(describeOperation('CopyObject', { code: 'SlowDown', reason: 'busy', status: 503 }))
    await finalFacts
    const text = await metrics.text()
    expect(text).toContain('sts_cli_requests_total{action="CopyObject",status="503"} 1\n')
    expect(text).not.toContain('action="CopyObject",status="200"')
  })
})
