// @ts-check
/** The declarations of the built package: what its nodes show, and what its providers are. */
import { createRequire } from 'node:module';

/**
 * @typedef {import('n8n-workflow').INodeProperties & {
 *   limits?: { maxValue?: number, maxLength?: number, minItems?: number, maxItems?: number, format?: string },
 *   wire?: 'string' | 'yesNo',
 *   alwaysSent?: true,
 *   entryOf?: string,
 * }} Property
 * @typedef {import('../../nodes/shared/providers/provider.ts').Provider} Provider
 * @typedef {{ providers: readonly Provider[], propertiesOf: (node: string) => Property[] }} Declared
 */

/**
 * @param {string} root the package's folder, built
 * @returns {Declared}
 */
export function declaredIn(root) {
	const require = createRequire(`${root}/package.json`);
	return {
		providers: require('./dist/nodes/shared/providers/index.js').allProviders,
		propertiesOf: (node) =>
			new (require(`./dist/nodes/${node}/${node}.node.js`)[node])().description.properties,
	};
}
