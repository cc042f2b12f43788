import { EventEmitter } from 'node:events';
import type { WebContents } from 'electron';
import { describe, expect, it } from 'vitest';
import { isOwnPage, lockNavigation, mayOpenOutside } from '../../src/main/navigation';

const PAGE = 'file:///apps/%C3%9Cml%C3%A4ut%20app/out/renderer/index.html';

/** The part of a window's contents that navigation has to do with. */
class Contents extends EventEmitter {
  openHandler: Parameters<WebContents['setWindowOpenHandler']>[0] | undefined;

  setWindowOpenHandler(handler: Parameters<WebContents['setWindowOpenHandler']>[0]): void {
    this.openHandler = handler;
  }

  /** Whether it goes to the address when a link on its page, or its server, leads there. */
  goes(name: string, url: string): boolean {
    let goes = true;
    this.emit(name, {
      url,
      preventDefault: () => {
        goes = false;
      },
    });
    return goes;
  }
}

function locked(): { contents: Contents; opened: string[] } {
  const contents = new Contents();
  const opened: string[] = [];
  lockNavigation(contents as unknown as WebContents, PAGE, (address) => opened.push(address));
  return { contents, opened };
}

describe('isOwnPage', () => {
  it.each([
    PAGE,
    `${PAGE}#items`,
    `${PAGE}?a=b`,
    'file:///apps/Ümläut app/out/renderer/index.html',
  ])('knows %s', (address) => {
    expect(isOwnPage(address, PAGE)).toBe(true);
  });

  it.each([
    '',
    'no address',
    'file:///etc/passwd',
    'https://example.com/out/renderer/index.html',
    `${PAGE}/../other.html`,
    'http://localhost:5173/',
  ])('does not know "%s"', (address) => {
    expect(isOwnPage(address, PAGE)).toBe(false);
  });

  it('tells servers apart by their port', () => {
    expect(isOwnPage('http://localhost:5173/#x', 'http://localhost:5173')).toBe(true);
    expect(isOwnPage('http://localhost:5174/', 'http://localhost:5173')).toBe(false);
  });
});

describe('mayOpenOutside', () => {
  it('lets https out and nothing else', () => {
    expect(mayOpenOutside('https://example.com/')).toBe(true);
    for (const address of ['http://example.com/', 'file:///bin/sh', 'javascript:1', 'x']) {
      expect(mayOpenOutside(address)).toBe(false);
    }
  });
});

describe('lockNavigation', () => {
  it('stays on its page', () => {
    const { contents, opened } = locked();

    expect(contents.goes('will-navigate', `${PAGE}#items`)).toBe(true);
    expect(contents.goes('will-navigate', 'file:///etc/passwd')).toBe(false);
    expect(contents.goes('will-redirect', 'https://example.com/')).toBe(false);
    expect(opened).toEqual([]);
  });

  it('opens a link to elsewhere in the browser', () => {
    const { contents, opened } = locked();

    expect(contents.goes('will-navigate', 'https://example.com/')).toBe(false);
    expect(opened).toEqual(['https://example.com/']);
  });

  it('opens no second window', () => {
    const { contents, opened } = locked();

    const answers = ['https://example.com/', 'file:///bin/sh'].map((url) =>
      contents.openHandler?.({ url } as Parameters<NonNullable<Contents['openHandler']>>[0]),
    );

    expect(answers).toEqual([{ action: 'deny' }, { action: 'deny' }]);
    expect(opened).toEqual(['https://example.com/']);
  });

  it('takes in no other page', () => {
    expect(locked().contents.goes('will-attach-webview', '')).toBe(false);
  });
});
