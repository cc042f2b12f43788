import { type Routes } from '@angular/router';
import { ItemsPage } from './items/items-page';

/** The pages. All but the first are loaded when somebody goes there. */
export const routes: Routes = [
  { path: '', component: ItemsPage },
  {
    path: '**',
    loadComponent: () => import('./not-found/not-found-page').then((module) => module.NotFoundPage),
  },
];
