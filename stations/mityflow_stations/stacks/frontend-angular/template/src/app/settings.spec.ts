import { describe, expect, it } from 'vitest';
import { loadSettings, parseSettings } from './settings';

const GOOD = { title: 'Stock', apiUrl: '/api' };

function answering(body: string, status = 200): typeof fetch {
  return () => Promise.resolve(new Response(body, { status }));
}

describe('parseSettings', () => {
  it.each(['/', '/api', 'http://localhost:8000', 'https://example.com/api'])(
    'takes %s as an address',
    (apiUrl) => {
      expect(parseSettings({ ...GOOD, apiUrl })).toEqual({ title: 'Stock', apiUrl });
    },
  );

  it.each(['', 'api', '//example.com', 'ftp://example.com', 'javascript:alert(1)', 7, undefined])(
    'refuses %s as an address',
    (apiUrl) => {
      expect(() => parseSettings({ ...GOOD, apiUrl })).toThrow('"apiUrl" in config.json must be');
    },
  );

  it.each(['', '  ', 7, undefined])('refuses "%s" as a title', (title) => {
    expect(() => parseSettings({ ...GOOD, title })).toThrow('"title" in config.json must be');
  });

  it.each([null, [], 'text', 7])('refuses %s in place of an object', (data) => {
    expect(() => parseSettings(data)).toThrow('must hold an object');
  });
});

describe('loadSettings', () => {
  it('reads what the server answers', async () => {
    expect(await loadSettings(answering(JSON.stringify(GOOD)))).toEqual(GOOD);
  });

  it('says when there is no file', async () => {
    await expect(loadSettings(answering('', 404))).rejects.toThrow('the server answered 404');
  });

  it('says when the file is not JSON', async () => {
    await expect(loadSettings(answering('<html></html>'))).rejects.toThrow('is not JSON');
  });
});
