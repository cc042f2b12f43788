import type { BrowserWindowConstructorOptions } from 'electron';

/**
 * How a window is made. It is shown once there is something to see, and its page is kept from
 * Node.js and from the system: it reaches only what the preload script gives it.
 */
export function windowOptions(preload: string): BrowserWindowConstructorOptions {
  return {
    width: 900,
    height: 640,
    minWidth: 360,
    minHeight: 320,
    show: false,
    autoHideMenuBar: true,
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    },
  };
}
