import { describe, expect, it } from 'vitest';
import { lookAtPage } from '../../src/main/smoke';

/** Contents whose page shows one of these after the other, and then the last for ever. */
function showing(...pages: readonly [string, string][]): {
  executeJavaScript: () => Promise<unknown>;
} {
  let looks = 0;
  return {
    executeJavaScript: () => {
      looks += 1;
      return Promise.resolve(pages[Math.min(looks, pages.length) - 1]);
    },
  };
}

describe('lookAtPage', () => {
  it('says what it saw once the page has heard from the application', async () => {
    const contents = showing(['Stock', ''], ['Stock', 'Electron 45.0.0']);

    expect(await lookAtPage(contents, 5000)).toBe(
      'smoke: the window shows "Stock" on Electron 45.0.0',
    );
  });

  it.each([
    ['is empty', ['', '']],
    ['has heard nothing', ['Stock', 'The application does not answer.']],
    ['has no preload script', ['Stock', 'In a browser']],
  ] as const)('fails when the page %s', async (_what, page) => {
    await expect(lookAtPage(showing([page[0], page[1]]), 150)).rejects.toThrow('the window shows');
  });

  it('fails when the page does not answer', async () => {
    const dead = { executeJavaScript: () => new Promise<unknown>(() => undefined) };

    await expect(lookAtPage(dead, 100)).rejects.toThrow('did not answer in 100 ms');
  });
});
