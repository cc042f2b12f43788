import { beforeEach, describe, expect, it } from 'vitest';
import html from '../../src/renderer/index.html?raw';
import { startItems } from '../../src/renderer/items-page';
import { showRuntime } from '../../src/renderer/runtime';

function element(selector: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(selector);
  if (!found) {
    throw new Error(`There is no ${selector}.`);
  }
  return found;
}

function input(): HTMLInputElement {
  return element('input') as HTMLInputElement;
}

function add(name: string): void {
  input().value = name;
  element('button[type=submit]').click();
}

function names(): (string | null)[] {
  return [...document.querySelectorAll('li span')].map((entry) => entry.textContent);
}

beforeEach(() => {
  document.body.innerHTML = new DOMParser().parseFromString(html, 'text/html').body.innerHTML;
});

describe('the items', () => {
  beforeEach(() => {
    startItems(document);
  });

  it('are none at first', () => {
    expect(document.body.textContent).toContain('Nothing here yet.');
    expect(document.querySelector('[role=list]')).toBeNull();
    expect(document.querySelector('[role=alert]')).toBeNull();
  });

  it('have an input that is labelled', () => {
    expect(element('label').textContent).toBe('Name');
    expect(element('label').getAttribute('for')).toBe(input().id);
  });

  it('are shown when added, and the input is empty again', () => {
    add('apple');
    add('pear');

    expect(names()).toEqual(['apple', 'pear']);
    expect(input().value).toBe('');
    expect(document.body.textContent).not.toContain('Nothing here yet.');
  });

  it('are shown as text, whatever is in it', () => {
    add('<b>bold</b>');

    expect(names()).toEqual(['<b>bold</b>']);
    expect(document.querySelector('li b')).toBeNull();
  });

  it('need a name', () => {
    add('   ');
    add('');

    expect(document.querySelectorAll('[role=alert]')).toHaveLength(1);
    expect(element('[role=alert]').textContent).toBe('Give it a name.');
    expect(input().getAttribute('aria-describedby')).toBe(element('[role=alert]').id);
    expect(names()).toEqual([]);
  });

  it('are no longer asked for a name once they have one', () => {
    add('');
    add('apple');

    expect(document.querySelector('[role=alert]')).toBeNull();
    expect(input().hasAttribute('aria-describedby')).toBe(false);
  });

  it('are removed by their button', () => {
    add('apple');
    add('pear');

    element('[aria-label="Remove apple"]').click();

    expect(names()).toEqual(['pear']);
  });
});

describe('what it runs on', () => {
  it('is said by the application', async () => {
    const info = { version: '1.2.3', electron: '45.0.0' };

    await showRuntime(document, { appInfo: () => Promise.resolve(info) });

    expect(element('#runtime').textContent).toBe(
      'Electron 45.0.0, version 1.2.3 of the application',
    );
  });

  it('may be a browser', async () => {
    await showRuntime(document, undefined);

    expect(element('#runtime').textContent).toBe('In a browser');
  });

  it('is not known when the application does not answer', async () => {
    await showRuntime(document, { appInfo: () => Promise.reject(new Error('gone')) });

    expect(element('#runtime').textContent).toBe('The application does not answer.');
  });
});

describe('the page', () => {
  it('loads and runs only what comes with it', () => {
    const policy = new DOMParser()
      .parseFromString(html, 'text/html')
      .querySelector('meta[http-equiv="Content-Security-Policy"]')
      ?.getAttribute('content');

    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
  });
});
