// @ts-check
// The oldest n8n that the package runs on, pinned by the lock file beside this one, on a Node.js of its time.
//
// Why 1.85: the nodes take `NodeConnectionTypes` from n8n-workflow, which has it since 1.83, the one of n8n 1.85. What came
// later (an execution's cancel signal, hints, the knowledge of being called as a tool) is used where it is there.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Session } from '../../server/session.mjs';

/** @type {import('../../server/install.mjs').Pin} */
export const OLDEST = {
	source: path.dirname(fileURLToPath(import.meta.url)),
	nodeMajor: 20,
	newestNode: 22,
	bytes: 2e9,
	// Peers of packages that n8n only offers would double the tree.
	npmArgs: ['--legacy-peer-deps'],
};

/** The same user, in the words of n8n 1. */
export class OldSession extends Session {
	/** @param {import('../../server/session.mjs').Workflow} workflow @override */
	async saveWorkflow(workflow) {
		return await super.saveWorkflow(
			/** @type {typeof workflow} */ ({ active: false, ...workflow }),
		);
	}

	/** @param {string} id @override */
	async publish(id) {
		await this.request('PATCH', `/workflows/${id}`, { active: true });
	}

	/** @param {string} id @param {string} trigger @override */
	async start(id, trigger) {
		const workflowData = await this.request('GET', `/workflows/${id}`);
		const { executionId } = await this.request('POST', `/workflows/${id}/run`, {
			workflowData,
			triggerToStartFrom: { name: trigger },
		});
		return executionId;
	}
}
