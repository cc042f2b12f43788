import { describe, expect, it, vi } from 'vitest';

const given = new Map<string, Record<string, () => unknown>>();
const asked: unknown[][] = [];

vi.mock('electron', () => ({
  contextBridge: {
    exposeInMainWorld: (name: string, api: Record<string, () => unknown>) => given.set(name, api),
  },
  ipcRenderer: {
    invoke: (...message: unknown[]) => {
      asked.push(message);
      return Promise.resolve({ version: '1.2.3', electron: '45.0.0' });
    },
  },
}));

describe('the preload script', () => {
  it('gives the page one function, which asks on one channel', async () => {
    await import('../../src/preload/index');

    expect([...given.keys()]).toEqual(['desktop']);
    const api = given.get('desktop') ?? {};
    expect(Object.keys(api)).toEqual(['appInfo']);
    expect(await api['appInfo']?.()).toEqual({ version: '1.2.3', electron: '45.0.0' });
    expect(asked).toEqual([['app-info']]);
  });
});
