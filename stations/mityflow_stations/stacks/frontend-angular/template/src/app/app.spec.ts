import { TestBed } from '@angular/core/testing';
import { Router } from '@angular/router';
import { beforeEach, describe, expect, it } from 'vitest';
import { App } from './app';
import { appConfig } from './app.config';

describe('App', () => {
  beforeEach(() => {
    TestBed.configureTestingModule(appConfig({ title: 'Stock' }));
  });

  async function open(address: string): Promise<HTMLElement> {
    const fixture = TestBed.createComponent(App);
    await TestBed.inject(Router).navigateByUrl(address);
    await fixture.whenStable();
    return fixture.nativeElement as HTMLElement;
  }

  it('takes its heading and its title from the settings', async () => {
    const page = await open('/');

    expect(page.querySelector('h1')?.textContent).toBe('Stock');
    expect(document.title).toBe('Stock');
  });

  it('starts with the items', async () => {
    expect((await open('/')).textContent).toContain('Nothing here yet.');
  });

  it('says when there is no such page, and leads back', async () => {
    const page = await open('/no/such/page');

    expect(page.textContent).toContain('There is no such page.');
    expect(page.querySelector('a')?.getAttribute('href')).toBe('/');
  });
});
