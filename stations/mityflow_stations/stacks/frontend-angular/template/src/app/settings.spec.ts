import { describe, expect, it } from 'vitest';
import { loadSettings, parseSettings } from './settings';

function answering(body: string, status = 200): typeof fetch {
  return () => Promise.resolve(new Response(body, { status }));
}

describe('parseSettings', () => {
  it('takes what is known and leaves out the rest', () => {
    expect(parseSettings({ title: 'Stock', other: 7 })).toEqual({ title: 'Stock' });
  });

  it.each(['', '  ', 'x'.repeat(61), 7, undefined])('refuses "%s" as a title', (title) => {
    expect(() => parseSettings({ title })).toThrow('"title" in config.json must be');
  });

  it.each([null, [], 'text', 7])('refuses %s in place of an object', (data) => {
    expect(() => parseSettings(data)).toThrow('must hold an object');
  });
});

describe('loadSettings', () => {
  it('reads what the server answers', async () => {
    expect(await loadSettings(answering('{"title":"Stock"}'))).toEqual({ title: 'Stock' });
  });

  it('says when there is no file', async () => {
    await expect(loadSettings(answering('', 404))).rejects.toThrow('the server answered 404');
  });

  it('says when the file is not JSON', async () => {
    await expect(loadSettings(answering('<html></html>'))).rejects.toThrow('is not JSON');
  });
});
