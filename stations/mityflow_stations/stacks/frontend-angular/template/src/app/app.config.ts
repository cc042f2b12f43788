import { type ApplicationConfig, provideBrowserGlobalErrorListeners } from '@angular/core';
import { provideRouter } from '@angular/router';
import { routes } from './app.routes';
import { SETTINGS, type Settings } from './settings';

/** What the application is made of, with the settings it was started with. */
export function appConfig(settings: Settings): ApplicationConfig {
  return {
    providers: [
      provideBrowserGlobalErrorListeners(),
      provideRouter(routes),
      { provide: SETTINGS, useValue: settings },
    ],
  };
}
