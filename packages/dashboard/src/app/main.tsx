import { createRoot } from 'react-dom/client';
import { App } from './App.js';

const root = document.querySelector('#app');
if (root) createRoot(root).render(<App />);
