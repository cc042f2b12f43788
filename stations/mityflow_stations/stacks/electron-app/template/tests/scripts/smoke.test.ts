import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandLine, findRuntime, smoke } from '../../scripts/smoke.mjs';

const SHOWN = 'process.stdout.write("smoke: the window shows \\"Stock\\"\\n");';
const LIMIT = 15_000;
const PATIENCE = { timeout: 10_000 };

// A script stands in for the runtime; Windows does not start one.
describe.skipIf(process.platform === 'win32')('smoke', () => {
  let root: string;
  let env: NodeJS.ProcessEnv;
  let printed: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'stock-'));
    printed = '';
    env = { PATH: process.env['PATH'], DISPLAY: ':0', ELECTRON_RUN_AS_NODE: '1' };
    mkdirSync(join(root, 'out', 'main'), { recursive: true });
    writeFileSync(join(root, 'out', 'main', 'index.js'), '');
  });

  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  function runtimeThat(does: string, interpreter = '/usr/bin/env node'): void {
    const folder = join(root, 'node_modules', 'electron');
    mkdirSync(join(folder, 'dist'), { recursive: true });
    writeFileSync(join(folder, 'path.txt'), 'stand-in');
    writeFileSync(join(folder, 'dist', 'stand-in'), `#!${interpreter}\n${does}\n`);
    chmodSync(join(folder, 'dist', 'stand-in'), 0o755);
  }

  function trySmoke(limit = LIMIT): Promise<{ code: number; reason: string }> {
    return smoke(root, env, limit, (text) => {
      printed += text;
    });
  }

  it('cannot be done without a runtime, and says so', async () => {
    const { code, reason } = await trySmoke();

    expect(code).toBe(77);
    expect(reason).toMatch(/^Electron runtime not available /);
  });

  it('finds the runtime in another folder', () => {
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    runtimeThat('');
    writeFileSync(join(elsewhere, 'stand-in'), '');

    const found = findRuntime(root, { ELECTRON_OVERRIDE_DIST_PATH: elsewhere });

    expect(found).toBe(join(elsewhere, 'stand-in'));
  });

  it('succeeds when the window was shown', async () => {
    runtimeThat(SHOWN);

    expect(await trySmoke()).toEqual({ code: 0, reason: '' });
    expect(printed).toBe('smoke: the window shows "Stock"\n');
  });

  it('starts the application of its folder, as a test, with data of its own', async () => {
    runtimeThat(
      `require('fs').writeFileSync('told.json', JSON.stringify({
        options: process.argv.slice(2), test: process.env.SMOKE_TEST, node: process.env.ELECTRON_RUN_AS_NODE,
      })); ${SHOWN}`,
    );

    await trySmoke();

    const told = JSON.parse(readFileSync(join(root, 'told.json'), 'utf8')) as {
      options: string[];
    };
    expect(told).toEqual({ options: expect.any(Array), test: '1' });
    expect(told.options[0]).toBe(root);
    expect(told.options[1]).toMatch(/^--user-data-dir=/);
  });

  it.each([
    ['exit code 3', `${SHOWN} process.exit(3);`, 'The application ended with exit code 3.'],
    [
      'the code that says it cannot be done',
      'process.exit(77);',
      'The application ended with exit code 77.',
    ],
    ['a signal', `${SHOWN} process.kill(process.pid, 'SIGKILL');`, 'ended with SIGKILL.'],
    ['nothing to show', 'console.log("started");', 'ended without showing its window.'],
  ])('fails for %s', async (_what, does, problem) => {
    runtimeThat(does);

    const { code, reason } = await trySmoke();

    expect(code).toBe(1);
    expect(reason).toContain(problem);
  });

  it('fails when the application is not built', async () => {
    runtimeThat(SHOWN);
    rmSync(join(root, 'out'), { recursive: true });

    expect((await trySmoke()).reason).toContain("run 'npm run build'");
  });

  it('ends what a good application leaves behind', async () => {
    runtimeThat(
      `sleep 1000 & echo $! > child
       echo 'smoke: the window shows "Stock"'`,
      '/bin/sh',
    );

    expect((await trySmoke()).code).toBe(0);
    await expect.poll(childIsAlive, PATIENCE).toBe(false);
  });

  it('ends an application that hangs, with all its processes', async () => {
    runtimeThat('sleep 1000 & echo $! > child; wait', '/bin/sh');

    const { code, reason } = await trySmoke(1500);

    expect(code).toBe(1);
    expect(reason).toBe('The application was not ready after 1.5 s.');
    await expect.poll(childIsAlive, PATIENCE).toBe(false);
  });

  function childIsAlive(): boolean {
    return isAlive(Number(readFileSync(join(root, 'child'), 'utf8')));
  }
});

describe.runIf(process.platform === 'linux')('commandLine', () => {
  it('uses the screen there is', () => {
    expect(commandLine('electron', ['.'], { DISPLAY: ':0' })?.slice(0, 2)).toEqual([
      'electron',
      '.',
    ]);
  });

  it('needs a screen', () => {
    expect(commandLine('electron', ['.'], { PATH: '/nowhere' })).toBeUndefined();
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // One that has ended but was not asked for its exit code yet is not alive either.
  return process.platform !== 'linux' || !/^State:\sZ/m.test(statusOf(pid));
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  } catch {
    return 'State:\tZ';
  }
}
