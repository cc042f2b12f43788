import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { app, BrowserWindow, ipcMain, session, shell } from 'electron';
import { APP_INFO_CHANNEL, type AppInfo } from '../shared/api';
import { isOwnPage, lockNavigation } from './navigation';
import { lookAtPage } from './smoke';
import { windowOptions } from './window';

const SMOKE_LIMIT = 15_000;
const PRELOAD = join(import.meta.dirname, '../preload/index.cjs');
const BUILT_PAGE = pathToFileURL(join(import.meta.dirname, '../renderer/index.html')).href;

/** While it is worked on, the page comes from the development server. */
const developed = app.isPackaged ? undefined : process.env['ELECTRON_RENDERER_URL'];
const page = developed ?? BUILT_PAGE;
const isSmokeTest = process.env['SMOKE_TEST'] === '1';

async function openWindow(): Promise<BrowserWindow> {
  const window = new BrowserWindow(windowOptions(PRELOAD));
  lockNavigation(window.webContents, page, (address) => void shell.openExternal(address));
  if (!isSmokeTest) {
    window.once('ready-to-show', () => {
      window.show();
    });
  }
  await window.loadURL(page);
  return window;
}

function answerThePage(): void {
  ipcMain.handle(APP_INFO_CHANNEL, (event): AppInfo => {
    if (!event.senderFrame || !isOwnPage(event.senderFrame.url, page)) {
      throw new Error('Only the application itself may ask.');
    }
    return { version: app.getVersion(), electron: process.versions.electron };
  });
}

/** No page gets a camera, a place or a notification: allow here what yours needs. */
function refusePermissions(): void {
  session.defaultSession.setPermissionCheckHandler(() => false);
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => {
    answer(false);
  });
}

async function start(): Promise<void> {
  await app.whenReady();
  refusePermissions();
  answerThePage();
  const window = await openWindow();
  if (isSmokeTest) {
    const seen = await lookAtPage(window.webContents, SMOKE_LIMIT);
    process.stdout.write(`${seen}\n`, () => {
      app.exit(0);
    });
  }
}

function fail(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`The application cannot start: ${reason}\n`, () => {
    app.exit(1);
  });
}

app.on('window-all-closed', () => {
  // On a Mac an application goes on without windows.
  if (process.platform !== 'darwin') {
    app.quit();
  }
});
app.on('activate', () => {
  if (app.isReady() && BrowserWindow.getAllWindows().length === 0) {
    openWindow().catch(fail);
  }
});
start().catch(fail);
