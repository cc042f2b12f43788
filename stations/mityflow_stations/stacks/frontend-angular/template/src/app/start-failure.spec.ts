import { afterEach, describe, expect, it } from 'vitest';
import { showStartFailure } from './start-failure';

describe('showStartFailure', () => {
  afterEach(() => {
    document.body.replaceChildren();
  });

  it.each([new Error('no settings'), 'no settings'])('says why the page cannot start', (error) => {
    showStartFailure(error);

    const alert = document.querySelector('[role=alert]');
    expect(alert?.textContent).toBe('The page cannot start: no settings');
  });
});
