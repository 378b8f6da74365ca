import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/server/metrics.ts'

describe('request metrics', () => {
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
})
