import { startItems } from './items-page';
import { showRuntime } from './runtime';

startItems(document);
void showRuntime(document, window.desktop);
