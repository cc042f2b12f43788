import { type ComponentFixture, TestBed } from '@angular/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { ItemsPage } from './items-page';

describe('ItemsPage', () => {
  let fixture: ComponentFixture<ItemsPage>;
  let page: HTMLElement;

  beforeEach(async () => {
    fixture = TestBed.createComponent(ItemsPage);
    page = fixture.nativeElement as HTMLElement;
    await fixture.whenStable();
  });

  function element(selector: string): HTMLElement {
    const found = page.querySelector<HTMLElement>(selector);
    if (!found) {
      throw new Error(`There is no ${selector}.`);
    }
    return found;
  }

  function input(): HTMLInputElement {
    return element('input') as HTMLInputElement;
  }

  async function add(name: string): Promise<void> {
    input().value = name;
    input().dispatchEvent(new Event('input'));
    element('button[type=submit]').click();
    await fixture.whenStable();
  }

  function names(): string[] {
    return [...page.querySelectorAll('li span')].map((entry) => entry.textContent);
  }

  it('says that there is nothing at first', () => {
    expect(page.textContent).toContain('Nothing here yet.');
    expect(page.querySelector('[role=list]')).toBeNull();
    expect(page.querySelector('[role=alert]')).toBeNull();
  });

  it('has an input that is labelled', () => {
    expect(element('label').textContent).toBe('Name');
    expect(element('label').getAttribute('for')).toBe(input().id);
  });

  it('shows what was added and empties the input', async () => {
    await add('apple');
    await add('pear');

    expect(names()).toEqual(['apple', 'pear']);
    expect(input().value).toBe('');
    expect(page.textContent).not.toContain('Nothing here yet.');
  });

  it('shows a name as text, whatever is in it', async () => {
    await add('<b>bold</b>');

    expect(names()).toEqual(['<b>bold</b>']);
    expect(page.querySelector('li b')).toBeNull();
  });

  it('asks for a name where there is none', async () => {
    await add('   ');

    expect(element('[role=alert]').textContent).toBe('Give it a name.');
    expect(input().getAttribute('aria-invalid')).toBe('true');
    expect(input().getAttribute('aria-describedby')).toBe(element('[role=alert]').id);
    expect(names()).toEqual([]);
  });

  it('stops asking once it has a name', async () => {
    await add('');
    await add('apple');

    expect(page.querySelector('[role=alert]')).toBeNull();
    expect(input().getAttribute('aria-invalid')).toBe('false');
  });

  it('removes the one whose button is pressed', async () => {
    await add('apple');
    await add('pear');

    element('[aria-label="Remove apple"]').click();
    await fixture.whenStable();

    expect(names()).toEqual(['pear']);
  });
});
