// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
/** n8n's editor in a browser, as far as a person uses it here. */
export class Editor {
	/** @param {import('@playwright/test').Page} page */
	constructor(page) {
		this.page = page;
	}

	/**
	 * Signs the owner in.
	 *
	 * @param {import('@playwright/test').Page} page
	 * @param {import('../../../dev/server/session.mjs').Owner} owner
	 */
	static async open(page, { email, password }) {
		const answer = await page.context().request.post('/rest/login', {
			data: { emailOrLdapLoginId: email, password },
		});
		if (!answer.ok()) throw new Error(`n8n did not sign the owner in: ${answer.status()}`);
		return new Editor(page);
	}

	/** @param {string} id `new` for an empty one */
	async openWorkflow(id) {
		// The list of nodes comes after the canvas.
		const nodes = this.page.waitForResponse((answer) => answer.url().includes('types/nodes.json'));
		await this.page.goto(`/workflow/${id}`);
		await nodes;
		await this.page.getByTestId('node-creator-plus-button').waitFor();
	}

	/** @param {string} name @returns {import('@playwright/test').Locator} a node on the canvas */
	node(name) {
		return this.page.locator(`[data-test-id="canvas-node"][data-node-name="${name}"]`);
	}

	/**
	 * What the node panel finds.
	 *
	 * @param {string} text
	 * @returns {Promise<string[]>} the names, best first
	 */
	async search(text) {
		const field = this.page.getByTestId('node-creator-search-bar');
		if (!(await field.isVisible())) await this.page.getByTestId('node-creator-plus-button').click();
		await field.fill(text);
		const found = this.page.getByTestId('node-creator-item-name');
		await found.or(this.page.getByTestId('node-creator-no-results')).first().waitFor();
		// The list follows the typing with a short delay.
		await sleep(500);
		return (await found.allTextContents()).map((name) => name.trim());
	}

	/**
	 * Adds a node from the node panel, which opens it.
	 *
	 * @param {string} text to search for; the best hit is taken
	 * @param {string} action the line in the node's own list, where it has several
	 */
	async add(text, action = 'Add to workflow') {
		await this.search(text);
		await this.page.getByTestId('node-creator-item-name').first().click();
		const panel = this.page.getByTestId('node-creator');
		await panel.getByText(action, { exact: true }).click();
		await this.page.getByTestId('ndv').waitFor();
	}

	/** @param {string} name of a node on the canvas */
	async openNode(name) {
		await this.node(name).dblclick();
		await this.page.getByTestId('ndv').waitFor();
	}

	async closeNode() {
		await this.page.getByTestId('ndv-close-button').click();
		await this.page.getByTestId('ndv').waitFor({ state: 'hidden' });
	}

	/** @returns {Promise<string>} the name of the node that is open */
	async title() {
		return (await this.page.getByTestId('node-title-container').innerText()).trim();
	}

	/** @param {string} name @returns {import('@playwright/test').Locator} a field of the open node */
	field(name) {
		return this.page.getByTestId(`parameter-input-${name}`);
	}

	/**
	 * Which of the fields of the open node are there.
	 *
	 * @param {string[]} names
	 * @returns {Promise<string[]>}
	 */
	async shown(names) {
		const counts = await Promise.all(names.map((name) => this.field(name).count()));
		return names.filter((_, index) => counts[index] !== 0);
	}

	/** @param {string} field @returns {Promise<string[]>} what can be chosen */
	async options(field) {
		await this.field(field).click();
		await this.#options().first().waitFor();
		const texts = await this.#options().allInnerTexts();
		await this.page.keyboard.press('Escape');
		// A description may stand below the name.
		return texts.map((text) => /** @type {string} */ (text.split('\n')[0]).trim());
	}

	/** @param {string} field @param {string} option its name */
	async choose(field, option) {
		await this.field(field).click();
		await this.#options().filter({ hasText: option }).first().click();
		// Other fields follow in the next frame.
		await sleep(300);
	}

	#options() {
		return this.page.getByTestId('parameter-input-item').filter({ visible: true });
	}

	/** Adds a field to the first collection of the open node. @param {string} name as shown */
	async addField(name) {
		await this.page.getByTestId('collection-parameter-add').first().click();
		await this.page
			.getByTestId('collection-parameter-option')
			.filter({ hasText: name, visible: true })
			.click();
	}

	/** Types as a person does, key by key. @param {string} field @param {string} text @returns {Promise<string>} what it holds then */
	async type(field, text) {
		const input = this.field(field).locator('input').first();
		await input.click();
		await this.page.keyboard.press('Control+A');
		await this.page.keyboard.type(text, { delay: 50 });
		await this.page.keyboard.press('Tab');
		// n8n corrects a number when it is left.
		await sleep(500);
		return await input.inputValue();
	}

	/** @param {string} text @returns {Promise<boolean>} whether the open node says so */
	async says(text) {
		return await this.page.getByTestId('ndv').getByText(text).first().isVisible();
	}

	/** Runs the workflow by its button, and waits until each of the nodes has its green tick. @param {string[]} nodes */
	async run(nodes) {
		await this.page.getByRole('button', { name: 'Execute workflow' }).last().click();
		for (const name of nodes) {
			await this.node(name).getByTestId('canvas-node-status-success').waitFor({ timeout: 180_000 });
		}
	}

	/** Plays the video in the output of the open node, for a second. */
	async playVideo() {
		await this.page.getByTestId('ndv-view-binary-data').click();
		const video = this.page.locator('video').first();
		await video.waitFor();
		return await video.evaluate(async (/** @type {any} */ element) => {
			const deadline = Date.now() + 60_000;
			while (Date.now() < deadline && element.currentTime < 1) {
				await new Promise((resolve) => setTimeout(resolve, 50));
			}
			element.pause();
			const { readyState, duration, currentTime, videoWidth, videoHeight, error } = element;
			const problem = error?.message ?? null;
			return { readyState, duration, currentTime, videoWidth, videoHeight, problem };
		});
	}

	/** Opens the form of a new credential, from the open node. @returns {Promise<import('@playwright/test').Locator>} */
	async newCredential() {
		await this.page.getByTestId('node-credentials-select').first().click();
		await this.page
			.getByTestId('node-credentials-select-item-new')
			.filter({ visible: true })
			.click();
		const form = this.page.getByTestId('editCredential-modal');
		await form.getByText('API Key').first().waitFor();
		// It slides in, and its name comes last.
		await sleep(1000);
		return form;
	}

	/** @returns {Promise<string>} the address that the open trigger shows for production */
	async productionUrl() {
		const parameters = this.page.getByTestId('node-parameters');
		const urls = this.page.locator('.webhook-url, [class*="webhookUrl"]').first();
		if (!(await urls.isVisible()))
			await parameters.getByText('Webhook URLs', { exact: true }).click();
		await this.page.getByText('Production URL', { exact: true }).first().click();
		return (await urls.innerText()).replace(/^POST\s*/, '').trim();
	}

	/** @param {'Schema' | 'Table' | 'JSON' | 'Binary'} mode of the output of the open node */
	async showOutputAs(mode) {
		const panel = this.page.getByTestId('output-panel');
		await panel.getByTestId(`radio-button-${mode.toLowerCase()}`).click();
	}

	/** Waits until no message covers anything. */
	async quiet() {
		await this.page.locator('.el-notification').first().waitFor({ state: 'hidden' });
	}
}
