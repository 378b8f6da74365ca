import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { binPath, logIn, startStack, type Stack } from './stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack()
  await logIn(stack)
})
afterAll(() => stack.stop())

/** Returns the output and the end of a command on a terminal on which Ctrl-C is typed. */
async function interrupt(argv: readonly string[]): Promise<string[]> {
  const script = path.join(import.meta.dirname, 'terminal.py')
  const all = [script, process.execPath, binPath, 'exec', ...argv]
  const { stdout } = await execa('python3', all, { env: stack.env, extendEnv: false })
  return stdout.split('\n')
}

describe.each([[['--']], [['--server', '--']]])('Ctrl-C in exec %j', (start) => {
  it('Ctrl-C reaches the command of exec once', async () => {
    // Signals arrive in the order in which they are sent: a second SIGINT would arrive before SIGTERM.
    const script = `
      process.on('SIGINT', () => console.log('SIGINT'))
      process.on('SIGTERM', () => process.exit(5))
      setInterval(() => {}, 1000)
      console.log('ready')`
    expect(await interrupt([...start, process.execPath, '-e', script])).toEqual([
      "['ready', 'SIGINT']",
      'exit 5',
    ])
  })

  it('Ctrl-C ends exec by the signal that ends its command', async () => {
    const argv = [...start, 'sh', '-c', 'echo ready; exec sleep 60']
    expect(await interrupt(argv)).toEqual(["['ready']", 'signal 2'])
  })

  it('Ctrl-C ends exec with the exit code that its command returns', async () => {
    const script = `
      process.on('SIGINT', () => process.exit(3))
      setInterval(() => {}, 1000)
      console.log('ready')`
    expect(await interrupt([...start, process.execPath, '-e', script])).toEqual([
      "['ready']",
      'exit 3',
    ])
  })

  it('exec exits 130 for a shell after Ctrl-C', async () => {
    const script = `'${process.execPath}' '${binPath}' exec ${start.join(' ')} sh -c 'echo ready; exec sleep 60'; echo "code $?"`
    const file = path.join(import.meta.dirname, 'terminal.py')
    const { stdout } = await execa('python3', [file, 'dash', '-c', `trap : INT; ${script}`], {
      env: stack.env,
      extendEnv: false,
    })
    expect(stdout.split('\n')).toEqual(["['ready', 'code', '130']", 'exit 0'])
  })
})
