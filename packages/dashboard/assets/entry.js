import 'uplot/dist/uPlot.min.css';
import './dashboard.css';
import '../dist/app/main.js';
