import type { WebContents } from 'electron';

const PAUSE = 100;

/** What the page shows: its heading, and where it says that it runs. */
const LOOK = `[
  document.querySelector('h1')?.textContent ?? '',
  document.querySelector('#runtime')?.textContent ?? '',
]`;

/**
 * Look at the page until it has rendered and heard from the application.
 *
 * Returns what was seen, for people and for scripts/smoke.mjs. Throws an error when it does not come to that.
 */
export async function lookAtPage(
  contents: Pick<WebContents, 'executeJavaScript'>,
  limit: number,
): Promise<string> {
  const end = Date.now() + limit;
  let seen: [string, string] = ['', ''];
  while (Date.now() < end) {
    // oxlint-disable-next-line no-await-in-loop -- one look after another
    seen = await within(contents.executeJavaScript(LOOK) as Promise<[string, string]>, limit);
    const [heading, runtime] = seen;
    if (heading && runtime.startsWith('Electron ')) {
      return `smoke: the window shows "${heading}" on ${runtime}`;
    }
    // oxlint-disable-next-line no-await-in-loop -- one look after another
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  throw new Error(`the window shows ${JSON.stringify(seen)} after ${String(limit)} ms`);
}

function within<Value>(work: Promise<Value>, limit: number): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`the window did not answer in ${String(limit)} ms`));
    }, limit);
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}
