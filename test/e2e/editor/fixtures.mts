import { freePort } from '../../../dev/server/ports.mjs';
import { test as base } from '../fixtures.mts';
import { Editor } from './editor.mjs';

export { expect } from '../fixtures.mts';

/** That of `npm start`, so that pictures show what a reader sees there. */
const MEDIA_PORT = 8766;

interface EditorFixtures {
	/** A window in which the owner is signed in. */
	editor: Editor;
}

export const test = base.extend<EditorFixtures>({
	label: 'my account',
	mediaPort: async ({}, use) => await use(await freePort(MEDIA_PORT)),
	baseURL: async ({ instance }, use) => await use(instance.session.url),
	editor: async ({ page, server }, use) => await use(await Editor.open(page, server.owner)),
});
