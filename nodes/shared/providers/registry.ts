/** One line for each provider. A new one also needs its credential in `package.json`. */
export { magnific } from './magnific';
export { muleRouter } from './muleRouter';
