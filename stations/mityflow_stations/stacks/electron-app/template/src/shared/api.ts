/** What the application tells its page about itself. */
export interface AppInfo {
  readonly version: string;
  readonly electron: string;
}

/** What the page may ask of the application: all of it, and no more than this. */
export interface DesktopApi {
  appInfo(): Promise<AppInfo>;
}

/** The name under which the page finds the API in `window`. */
export const API_NAME = 'desktop';

/** The channel on which the page asks for the info. */
export const APP_INFO_CHANNEL = 'app-info';
