/**
 * Start the built application in Electron, let it look at its own window, and end it.
 *
 * Exit code 0: the window works, and the last line says what was seen. 77: that cannot be told here,
 * and the last line says why. 1: it does not work. Nothing is downloaded.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIMIT = 45_000;
const CANNOT = 77;
const EVIDENCE = /^smoke: the window shows /m;
/** @type {Partial<Record<NodeJS.Platform, string>>} */
const NAMES = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' };

/**
 * @typedef {object} Outcome
 * @property {number} code
 * @property {string} reason
 */

/**
 * The Electron runtime that is here already, if there is one.
 *
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 */
export function findRuntime(root, env) {
  const folder = join(root, 'node_modules', 'electron');
  const pathFile = join(folder, 'path.txt');
  const name = existsSync(pathFile)
    ? readFileSync(pathFile, 'utf8').trim()
    : (NAMES[process.platform] ?? 'electron');
  const runtime = join(env['ELECTRON_OVERRIDE_DIST_PATH'] || join(folder, 'dist'), name);
  return existsSync(runtime) ? runtime : undefined;
}

/**
 * The command that starts Electron on this system; without a screen, on one in memory.
 *
 * @param {string} runtime
 * @param {string[]} options
 * @param {NodeJS.ProcessEnv} env
 * @returns {[string, ...string[]] | undefined} nothing where there is no screen at all
 */
export function commandLine(runtime, options, env) {
  /** @type {[string, ...string[]]} */
  const electron = [runtime, ...options];
  if (process.platform !== 'linux') {
    return electron;
  }
  if (process.getuid?.() === 0) {
    // Chromium refuses its own sandbox to root, as which containers run.
    electron.push('--no-sandbox');
  }
  if (env['DISPLAY'] || env['WAYLAND_DISPLAY']) {
    return electron;
  }
  const folders = (env['PATH'] ?? '').split(delimiter);
  const screen = folders.map((folder) => join(folder, 'xvfb-run')).find((file) => existsSync(file));
  return screen ? [screen, '--auto-servernum', ...electron] : undefined;
}

/**
 * Start the application and judge it. It is over with all its processes afterwards.
 *
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {number} limit in milliseconds
 * @param {(text: string) => void} say gets what the application prints
 * @returns {Promise<Outcome>}
 */
export async function smoke(root, env, limit, say) {
  const runtime = findRuntime(root, env);
  if (!runtime) {
    const reason = `Electron runtime not available ('node node_modules/electron/install.js' fetches it)`;
    return { code: CANNOT, reason };
  }
  if (!existsSync(join(root, 'out', 'main', 'index.js'))) {
    return { code: 1, reason: `The application is not built: run 'npm run build'.` };
  }
  const data = mkdtempSync(join(tmpdir(), 'smoke-'));
  try {
    const command = commandLine(runtime, [root, `--user-data-dir=${data}`], env);
    if (!command) {
      const reason = `Electron cannot open a window: there is no screen (xvfb-run, of the package xvfb, makes one)`;
      return { code: CANNOT, reason };
    }
    return await run(command, root, env, limit, say);
  } finally {
    rmSync(data, { recursive: true, force: true, maxRetries: 3 });
  }
}

/**
 * @param {[string, ...string[]]} command
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {number} limit
 * @param {(text: string) => void} say
 * @returns {Promise<Outcome>}
 */
function run([program, ...options], root, env, limit, say) {
  return new Promise((resolve) => {
    const child = spawn(program, options, {
      cwd: root,
      // With ELECTRON_RUN_AS_NODE, which some editors set, Electron would be a plain Node.js.
      env: { ...env, SMOKE_TEST: '1', ELECTRON_RUN_AS_NODE: undefined },
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      printed += text;
      say(text);
    });
    let isLate = false;
    const stop = () => {
      endGroup(child.pid);
    };
    const timer = setTimeout(() => {
      isLate = true;
      stop();
      child.stdout.destroy();
    }, limit);
    /** @param {string} problem */
    const settle = (problem) => {
      clearTimeout(timer);
      process.off('SIGINT', stop).off('SIGTERM', stop);
      resolve({ code: problem ? 1 : 0, reason: problem });
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    child.on('error', (error) => {
      settle(`${program} cannot be started: ${error.message}`);
    });
    // What it left behind would keep its output open.
    child.on('exit', stop);
    child.on('close', (code, signal) => {
      if (isLate) {
        settle(`The application was not ready after ${String(limit / 1000)} s.`);
      } else if (code !== 0) {
        settle(`The application ended with ${signal ?? `exit code ${String(code)}`}.`);
      } else {
        settle(EVIDENCE.test(printed) ? '' : 'The application ended without showing its window.');
      }
    });
  });
}

/** @param {number | undefined} pid */
function endGroup(pid) {
  if (pid === undefined) {
    return;
  }
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const { code, reason } = await smoke(ROOT, process.env, LIMIT, (text) => {
    process.stdout.write(text);
  });
  if (reason) {
    console.error(reason);
  }
  process.exit(code);
}
