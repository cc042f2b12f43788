import { contextBridge, ipcRenderer } from 'electron';
import { API_NAME, APP_INFO_CHANNEL, type AppInfo, type DesktopApi } from '../shared/api';

/** The page gets functions of its own, never `ipcRenderer` itself. */
const api: DesktopApi = {
  appInfo: () => ipcRenderer.invoke(APP_INFO_CHANNEL) as Promise<AppInfo>,
};

contextBridge.exposeInMainWorld(API_NAME, api);
