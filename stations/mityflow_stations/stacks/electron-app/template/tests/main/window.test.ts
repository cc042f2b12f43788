import { describe, expect, it } from 'vitest';
import { windowOptions } from '../../src/main/window';

describe('windowOptions', () => {
  const options = windowOptions('/app/out/preload/index.cjs');

  it('keeps the page from Node.js and from the system', () => {
    expect(options.webPreferences).toMatchObject({
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
    });
  });

  it('gives the page what the preload script gives it', () => {
    expect(options.webPreferences?.preload).toBe('/app/out/preload/index.cjs');
  });

  it('does not show a window that is still empty', () => {
    expect(options.show).toBe(false);
  });
});
