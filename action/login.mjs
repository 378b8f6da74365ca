/**
 * The main step: logs in, masks the secrets and exports the credentials; sts-cli does all of it, this file passes the inputs on. It is a
 * JavaScript action because composite actions have no post step: after a failed step, their session would live on. Built-in modules only, so
 * that there is nothing to bundle.
 */
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import process from 'node:process'
import { readInput, runCli } from './run-cli.mjs'

const lists = ['role-arn', 'policy-arn']
const texts =
  'sts-endpoint audience action role-session-name duration policy expect-account region'.split(' ')

/** Returns a profile with the inputs. They go through a file, because a shell would interpret them on a command line. */
function renderProfile() {
  const settings = [
    ['grant', 'github-actions'],
    ...texts.map((key) => [key, readInput(key)]),
    ['ca-file', readPath('ca-file')],
    ...lists.map((key) => [key, readInput(key).split(/\s+/).filter(Boolean)]),
  ].filter(([, value]) => value.length > 0)
  return `[profile.default]\n${settings.map(([key, value]) => `${key} = ${encode(value)}\n`).join('')}`
}

/** Returns a path from the job's folder: in a profile it would be one from the profile's. */
function readPath(name) {
  const given = readInput(name)
  return given === '' ? '' : path.resolve(given)
}

/** A JSON text or list is a TOML one, except for this character. */
function encode(value) {
  return JSON.stringify(value).replaceAll('\u007f', String.raw`\u007f`)
}

const folder = mkdtempSync(path.join(process.env['RUNNER_TEMP'] ?? '', 'sts-cli-'))
// Saved before the login, so that the post step revokes a session also where this step fails after it.
appendFileSync(process.env['GITHUB_STATE'] ?? '', `folder=${folder}\n`)
writeFileSync(path.join(folder, 'config.toml'), renderProfile(), { mode: 0o600 })
process.exitCode = runCli(folder, 'login -f github')
