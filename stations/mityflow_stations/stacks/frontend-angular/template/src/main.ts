import { bootstrapApplication } from '@angular/platform-browser';
import { App } from './app/app';
import { appConfig } from './app/app.config';
import { loadSettings } from './app/settings';
import { showStartFailure } from './app/start-failure';

// The settings are read first, so that everything else can rely on them.
loadSettings()
  .then((settings) => bootstrapApplication(App, appConfig(settings)))
  .catch((error: unknown) => {
    console.error(error);
    showStartFailure(error);
  });
